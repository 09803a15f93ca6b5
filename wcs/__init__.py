"""The warehouse: what stands in it, who may move where, what to do next and what is on paper.

Rule: it never knows which protocol a PLC speaks, nor HTTP; inside, plant < traffic < core < ledger < site.
"""
