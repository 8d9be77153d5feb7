-- Conversations served and ratings, by agent. Ratings that no agent can be found for stand under none.
WITH work AS (
    SELECT
        account,
        agent,
        count(DISTINCT (visit, conversation)) AS conversations,
        count(*) FILTER (joined) AS joins
    FROM served
    GROUP BY account, agent
),
rated AS (
    SELECT
        account,
        agent,
        count(*) AS ratings,
        count(*) FILTER (rating = 5) AS good,
        count(*) FILTER (rating = 3) AS normal,
        count(*) FILTER (rating = 1) AS bad,
        avg(rating) AS average_rating
    FROM ratings
    GROUP BY account, agent
),
names AS (  -- an agent goes by the name used last
    SELECT account, agent, max({moment: moment, name: name}).name AS name
    FROM (SELECT account, agent, moment, name FROM served UNION ALL SELECT account, agent, moment, name FROM ratings)
    WHERE agent IS NOT NULL
    GROUP BY account, agent
)
SELECT
    everybody.account,
    everybody.agent,
    names.name,
    coalesce(conversations, 0) AS conversations,
    coalesce(joins, 0) AS joins,
    coalesce(ratings, 0) AS ratings,
    coalesce(good, 0) AS good,
    coalesce(normal, 0) AS normal,
    coalesce(bad, 0) AS bad,
    average_rating
FROM (SELECT account, agent FROM work UNION SELECT account, agent FROM rated) AS everybody
LEFT JOIN names ON names.account = everybody.account AND names.agent = everybody.agent
LEFT JOIN work ON work.account = everybody.account AND work.agent = everybody.agent
LEFT JOIN rated ON rated.account = everybody.account AND rated.agent IS NOT DISTINCT FROM everybody.agent
ORDER BY everybody.agent IS NULL, conversations DESC, ratings DESC, everybody.account, everybody.agent;
