"""What people read: the terminal (:mod:`tables`), plots (:mod:`plots`), the page (:mod:`page`), the workbook
(:mod:`workbook`).

Everything here reads a finished :class:`simulator.results.Result` and formats it; nothing here computes a figure of its
own. How numbers and sentences are written, in English and Japanese, stands in :mod:`wording`.
"""
