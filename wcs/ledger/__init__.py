"""What is on paper: the journal, the two books of containment and content, and the business documents.

Rule: it writes down what was decided and decides nothing; a posting is never edited, only reversed.
"""
