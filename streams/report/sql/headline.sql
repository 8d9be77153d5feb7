-- The share of visitors who had a conversation, and how many conversations there were.
SELECT
    (SELECT count(*) FROM visitors) AS visitors,
    (SELECT count(*) FROM visitors WHERE talked IS NOT NULL) AS chatters,
    (SELECT count(*) FROM visits) AS visits,
    (SELECT count(DISTINCT visit) FROM conversations) AS visits_with_conversation,
    (SELECT count(*) FROM conversations) AS conversations,
    (SELECT count(*) FROM conversations WHERE agent) AS conversations_served,
    (SELECT count(*) FROM runs WHERE sent) AS runs,
    (SELECT count(*) FROM ratings) AS ratings,
    (SELECT avg(rating) FROM ratings) AS average_rating;
