"""A study's report: its content said once, as blocks, and drawn as a page, as a paper and as files for one's own."""
