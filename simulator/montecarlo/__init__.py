"""Many runs of any task: where they run, how sure the result is, and blocks on disk that let a run resume."""
