-- Accounts of the input that were not asked for.
SELECT DISTINCT account FROM facts WHERE fact = 'elsewhere' ORDER BY account LIMIT 100;
