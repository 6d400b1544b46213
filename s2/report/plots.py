"""The page of plots, which draws without network: the scripts that DVC's own page fetches, inside it."""

import vl_convert

VEGA_LITE = "5.20"  # of DVC's plot templates

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>S2: plots</title>
{{refresh_tag}}
<style>
body {{ font-family: sans-serif; margin: 2em; display: flex; flex-wrap: wrap; gap: 2em; }}
</style>
<script>(function () {{{scripts}}})();</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def plots_page() -> str:
    """An HTML template for `dvc plots show` (https://dvc.org/doc/user-guide/project-structure/configuration,
    `plots.html_template`)."""
    bundle = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]  # its stub errs
    return _PAGE.format(scripts=bundle)
