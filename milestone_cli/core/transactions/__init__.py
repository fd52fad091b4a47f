"""Transactions: several changes done all or nothing, told of afterwards, and taken back.

Read `operations` first (the lines), then `staging` (the store as it will be), `applying` and `rollback`, which is a
transaction like others; `transaction` is what their records tell.
"""
