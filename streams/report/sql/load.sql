-- The facts that a replay wrote, one JSON object a line, and what all tables are made of.
-- Every column has its type here: nothing is guessed from what happens to stand in the file.

CREATE TABLE facts AS
FROM read_json(
    $facts,
    format = 'newline_delimited',
    columns = {
        fact: 'VARCHAR', account: 'VARCHAR', visitor: 'UUID', visit: 'UUID', named: 'BOOLEAN',
        began: 'BIGINT', ended: 'BIGINT', moment: 'BIGINT', day: 'DATE', hour: 'INTEGER',
        pages: 'BIGINT', interactions: 'BIGINT', events: 'BIGINT', withheld: 'BIGINT',
        conversation: 'BIGINT', way: 'VARCHAR',
        run: 'UUID', step: 'VARCHAR', kind: 'VARCHAR', id: 'VARCHAR', name: 'VARCHAR',
        value: 'BIGINT', currency: 'VARCHAR', implausible: 'BOOLEAN',
        joined: 'BOOLEAN', rating: 'INTEGER'
    }
);

CREATE TABLE visits AS
SELECT account, visitor, visit, named, began, ended, day, hour, pages, interactions, events, withheld
FROM facts WHERE fact = 'visit';

-- One row a conversation that was had: its beginning is the first thing that visitor or agent did in it.
CREATE TABLE conversations AS
SELECT
    visit,
    conversation,
    min(moment) AS began,
    arg_min(day, moment) AS day,
    arg_min(hour, moment) AS hour,
    bool_or(way = 'wrote') AS wrote,
    bool_or(way = 'offline') AS offline,
    bool_or(way = 'clicked') AS clicked,
    bool_or(way = 'agent') AS agent
FROM facts WHERE fact = 'talk'
GROUP BY visit, conversation;

-- One row a visitor: over all of the visitor's visits.
CREATE TABLE visitors AS
SELECT
    account,
    visitor,
    min(talked.began) AS talked,  -- when the first conversation began; NULL: never
    count(*) AS visits
FROM visits
LEFT JOIN (SELECT visit, min(began) AS began FROM conversations GROUP BY visit) AS talked USING (visit)
GROUP BY account, visitor;

-- Every visitor stands in two of three audiences: everyone, and those who chatted or those who did not.
CREATE VIEW audiences AS
SELECT 'everyone' AS audience, * FROM visitors
UNION ALL
SELECT if(talked IS NULL, 'others', 'chatters') AS audience, * FROM visitors;

-- Goals, automations' steps, agents and ratings, each with its account.
CREATE VIEW goals AS
SELECT visits.account, visits.visitor, facts.moment, facts.name AS goal, facts.value, facts.currency, facts.implausible
FROM facts JOIN visits USING (visit) WHERE fact = 'goal';

CREATE VIEW served AS
SELECT visits.account, facts.visit, facts.conversation, facts.moment, facts.id AS agent, facts.name, facts.joined
FROM facts JOIN visits USING (visit) WHERE fact = 'served';

CREATE VIEW ratings AS
SELECT visits.account, facts.moment, facts.rating, facts.id AS agent, facts.name
FROM facts JOIN visits USING (visit) WHERE fact = 'rated';

-- Visitors who reached a goal, goal by goal; under `any_goal` those who reached any.
CREATE TABLE reached AS
SELECT
    account,
    visitor,
    coalesce(goal, '') AS goal,
    grouping(goal) = 1 AS any_goal,
    count(*) AS times,
    max(moment) AS last
FROM goals
GROUP BY GROUPING SETS ((account, visitor, goal), (account, visitor));

-- One row a run of an automation; one that was never received (its button was clicked all the same) has sent = false.
CREATE TABLE runs AS
SELECT
    visits.account,
    facts.visit,
    facts.run,
    facts.kind,
    facts.id,
    min(facts.name) AS name,
    bool_or(step = 'sent') AS sent,
    bool_or(step = 'viewed') AS viewed,
    bool_or(step IN ('clicked', 'reacted')) AS answered,
    bool_or(step = 'reacted') AS reacted
FROM facts
JOIN visits USING (visit)
WHERE fact = 'step'
GROUP BY visits.account, facts.visit, facts.run, facts.kind, facts.id;
