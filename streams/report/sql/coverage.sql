-- What the history covers, and what it leaves open.
WITH ends AS (SELECT min(began) AS first, max(ended) AS last FROM visits)
SELECT
    (SELECT first FROM ends) AS first_micros,
    (SELECT last FROM ends) AS last_micros,
    coalesce(sum(interactions), 0)::BIGINT AS interactions,
    count(*) AS visits,
    count(*) FILTER (pages = 0) AS visits_without_pages,
    count(*) FILTER (NOT named) AS visits_without_visitor_id,
    count(*) FILTER (began < ends.first + $edge OR ended > ends.last - $edge) AS visits_at_the_edges,
    coalesce(sum(events), 0)::BIGINT AS events,
    coalesce(sum(withheld), 0)::BIGINT AS events_withheld,
    (SELECT count(*) FROM runs WHERE NOT sent) AS clicks_without_receipt,
    (SELECT count(*) FROM goals WHERE implausible) AS implausible_values,
    (SELECT count(*) FROM goals WHERE value IS NOT NULL AND currency IS NULL) AS values_without_currency,
    (SELECT count(DISTINCT account) FROM visits) AS accounts
FROM visits, ends;
