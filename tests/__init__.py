"""The tests, in folders named after the packages; each test is a sentence about one behaviour."""
