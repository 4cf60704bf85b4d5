# SPDX-License-Identifier: Apache-2.0
"""Parts of the lab: see ../lab.py for the whole."""
