-- How conversations were had: one may be had in several ways.
WITH had AS (
    SELECT 'wrote' AS way, 1 AS place, * FROM conversations WHERE wrote
    UNION ALL
    SELECT 'clicked', 2, * FROM conversations WHERE clicked
    UNION ALL
    SELECT 'agent', 3, * FROM conversations WHERE agent
    UNION ALL
    SELECT 'offline', 4, * FROM conversations WHERE offline
)
SELECT way, count(*) AS conversations, count(DISTINCT (account, visitor)) AS visitors
FROM had
JOIN visits USING (visit)
GROUP BY way, place
ORDER BY place;
