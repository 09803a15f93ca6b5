"""The REST interface, one small router a subject. Rule: check that the path is known, submit, answer from the view."""
