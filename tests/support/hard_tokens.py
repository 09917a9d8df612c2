"""Tokens that are hard to show: of all scripts, of no width, of control characters."""

from __future__ import annotations

from hypothesis import strategies as st

HARD = [
    "Your", "attention", "việc", "nghiêng", "Đường", "e\u0323\u0302", "日本語", "한국어", "ｆｕｌｌ", "👩‍👩‍👧‍👦", "👍🏽", "🇻🇳", "☺️",
    "नमस्ते", "สวัสดี", "a\u0301\u0302\u0303", "\u0301", "\u202eabc\u202c", "\u200bx", "\t", " ", "\x1b[31m", "x" * 50, "日" * 30, "",
]  # fmt: skip


TOKENS = st.sampled_from(HARD) | st.text(max_size=12)
