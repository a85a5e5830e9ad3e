"""The questions people ask, each answered by runs: how many, what if, from where on."""
