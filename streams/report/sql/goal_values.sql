-- What goals were worth where they say so, by currency: amounts of different currencies are never added.
WITH sizes AS (SELECT audience, count(*) AS visitors FROM audiences GROUP BY audience),
amounts AS (
    SELECT goal, coalesce(currency, '') AS currency, audience, count(*) AS completions, sum(value) AS parts
    FROM goals
    JOIN audiences USING (account, visitor)
    WHERE value IS NOT NULL
    GROUP BY goal, coalesce(currency, ''), audience
),
named AS (SELECT DISTINCT goal, currency FROM amounts)
SELECT
    goal,
    currency,
    audience,
    visitors,
    coalesce(completions, 0) AS completions,
    coalesce(parts, 0) / $scale AS amount,
    coalesce(parts, 0) / $scale / visitors AS per_visitor
FROM named
CROSS JOIN sizes
LEFT JOIN amounts USING (goal, currency, audience)
ORDER BY goal, currency, audience;
