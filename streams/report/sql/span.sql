-- From which day to which the history reaches.
SELECT min(day) AS first, max(day) AS last FROM visits;
