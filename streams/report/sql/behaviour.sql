-- What visitors do on the site: those who chatted, the others, and everyone.
SELECT
    audience,
    count(DISTINCT (account, visitor)) AS visitors,
    count(*) AS visits,
    count(*) / count(DISTINCT (account, visitor)) AS visits_per_visitor,
    count(*) FILTER (pages > 0) AS visits_with_pages,
    sum(pages) / nullif(count(*) FILTER (pages > 0), 0) AS pages_per_visit,
    count(*) FILTER (pages = 1) / nullif(count(*) FILTER (pages > 0), 0) AS one_page_share,
    avg(ended - began) / 1e6 AS seconds_mean,
    median(ended - began) / 1e6 AS seconds_median
FROM audiences
JOIN visits USING (account, visitor)
GROUP BY audience
ORDER BY audience;
