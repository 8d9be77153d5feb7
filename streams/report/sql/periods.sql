-- Day by day (or week, or month): who came, who had a conversation that began then, and how many began.
WITH came AS (
    SELECT date_trunc($unit, day)::DATE AS period, count(*) AS visits, count(DISTINCT (account, visitor)) AS visitors
    FROM visits
    GROUP BY period
),
talked AS (
    SELECT
        date_trunc($unit, conversations.day)::DATE AS period,
        count(*) AS conversations,
        count(DISTINCT (account, visitor)) AS chatters
    FROM conversations
    JOIN visits USING (visit)
    GROUP BY period
)
SELECT
    period,
    coalesce(visits, 0) AS visits,
    coalesce(visitors, 0) AS visitors,
    coalesce(chatters, 0) AS chatters,
    coalesce(conversations, 0) AS conversations
FROM came
FULL JOIN talked USING (period)
ORDER BY period;
