-- The funnel of each automation, in runs: of those sent, how many were viewed, answered, and answered by typing.
SELECT
    account,
    kind,
    id,
    name,
    count(*) AS sent,
    count(*) FILTER (viewed) AS viewed,
    count(*) FILTER (answered) AS answered,
    count(*) FILTER (reacted) AS reacted
FROM runs
WHERE sent
GROUP BY account, kind, id, name
ORDER BY sent DESC, account, kind, id, name;
