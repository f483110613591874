"""The demo's one document that is hardly ASCII: most of its symbols take four bytes in UTF-8."""
# ruff: noqa: RUF001 - the letters that look like others are the point

NOTES_KEY = "doc:notes/floats-🧮"
NOTES_TITLE = "Notes: why 𝟎.𝟏 + 𝟎.𝟐 is not 𝟎.𝟑 🧮"
NOTES_TAGS = ("notes", "𝒇(𝒙)", "🧮")
NOTES_TEXT = "\n\n".join(
    f"{number}. For 𝒙 ∈ ℝ the float nearest to 𝒙 is 𝒇(𝒙) = 𝒔 · 𝟐ᵉ with a 53-bit 𝒔, so 𝟏/𝟏𝟎 is stored a little "
    f"too large 📈 and 𝟑/𝟏𝟎 a little too small 📉. Adding {number} rounded numbers adds up to {number} roundings; "
    "`math.fsum` rounds only once, `decimal` rounds as on paper 📝, and `fractions` does not round at all. 🐍"
    for number in range(2, 10)
)
