-- Visitors who reached a goal, of each audience. The row of all goals together stands first.
WITH sizes AS (SELECT audience, count(*) AS visitors FROM audiences GROUP BY audience),
goals AS (SELECT DISTINCT goal, any_goal FROM reached),
counted AS (
    SELECT
        goal,
        any_goal,
        audience,
        count(*) AS reached,
        sum(times)::BIGINT AS completions,
        count(*) FILTER (last > talked) AS reached_after
    FROM reached
    JOIN audiences USING (account, visitor)
    GROUP BY goal, any_goal, audience
)
SELECT
    goal,
    any_goal,
    audience,
    visitors,
    coalesce(reached, 0) AS reached,
    coalesce(completions, 0) AS completions,
    coalesce(reached_after, 0) AS reached_after
FROM goals
CROSS JOIN sizes
LEFT JOIN counted USING (goal, any_goal, audience)
ORDER BY any_goal DESC, sum(reached) FILTER (audience = 'everyone') OVER (PARTITION BY goal, any_goal) DESC, goal, audience;
