-- By the hour of the day at which visits and conversations begin.
WITH hours AS (SELECT unnest(range(24))::INTEGER AS hour)
SELECT
    hour,
    (SELECT count(*) FROM visits WHERE visits.hour = hours.hour) AS visits,
    (SELECT count(*) FROM conversations WHERE conversations.hour = hours.hour) AS conversations,
    (SELECT count(*) FROM conversations WHERE conversations.hour = hours.hour AND agent) AS served
FROM hours
ORDER BY hour;
