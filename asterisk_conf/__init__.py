"""The exchange's configuration as Jinja2 templates; `x.conf.j2` becomes `x.conf`, `_x.j2` is only included.

`docs/telephone.md` is the contract they keep.
"""
