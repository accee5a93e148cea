"""The SQL functions behind every search: a text as it is compared, and the pieces an index is made of."""

from django.db import migrations

# The ranges and lengths are those of records/rules/pieces.py; a test compares the two.
PLAIN = """
CREATE FUNCTION search_plain(source text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(normalize(source, NFKC))
"""

PIECES = r"""
CREATE FUNCTION search_pieces(source text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
  SELECT coalesce(array_agg(DISTINCT cut.piece), '{}') FROM (
    SELECT substr(han.run[1], at, 2) AS piece
      FROM regexp_matches(search_plain(source), '[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]{2,}', 'g')
        AS han(run), generate_series(1, length(han.run[1]) - 1) AS at
    UNION ALL
    SELECT substr(word.run[1], at, 3)
      FROM regexp_matches(search_plain(source), '[0-9a-z]{2,}', 'g') AS word(run),
        generate_series(1, greatest(length(word.run[1]) - 2, 1)) AS at
    UNION ALL
    SELECT house.number[1] FROM regexp_matches(search_plain(source), '(?<![0-9a-z])[0-9a-z]{1,4}[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]', 'g') AS house(number)
    UNION ALL
    SELECT house.number[1] FROM regexp_matches(search_plain(source), '[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f][0-9a-z]{1,4}(?![0-9a-z])', 'g') AS house(number)
  ) AS cut;
END
"""

# Of free text only the Chinese: a telephone or identity number that somebody has typed there is never found.
WORDS = """
CREATE FUNCTION search_words(source text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(left(source, 500), '[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]+', ' ', 'g')
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0002_append_only")]

    operations = [
        migrations.RunSQL(PLAIN, "DROP FUNCTION search_plain(text)"),
        migrations.RunSQL(PIECES, "DROP FUNCTION search_pieces(text)"),
        migrations.RunSQL(WORDS, "DROP FUNCTION search_words(text)"),
    ]
