-- Account by account: who came, who chatted, and who reached a goal.
WITH converted AS (SELECT account, visitor FROM reached WHERE any_goal),
talks AS (
    SELECT account, count(*) AS conversations, count(*) FILTER (agent) AS served
    FROM conversations
    JOIN visits USING (visit)
    GROUP BY account
),
received AS (SELECT account, count(*) AS runs FROM runs WHERE sent GROUP BY account)
SELECT
    account,
    count(*) AS visitors,
    count(talked) AS chatters,
    count(*) FILTER (talked IS NOT NULL AND converted.visitor IS NOT NULL) AS chatters_reached,
    count(*) FILTER (talked IS NULL AND converted.visitor IS NOT NULL) AS others_reached,
    coalesce(any_value(conversations), 0) AS conversations,
    coalesce(any_value(served), 0) AS served,
    coalesce(any_value(runs), 0) AS runs
FROM visitors
LEFT JOIN converted USING (account, visitor)
LEFT JOIN talks USING (account)
LEFT JOIN received USING (account)
GROUP BY account
ORDER BY visitors DESC, account;
