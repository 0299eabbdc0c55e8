-- An index for those who are told of tasks that are due.

-- migrate:up
set local role tidings_owner;
-- app.notify_due_tasks, which looks every minute.
create index tasks_due_idx on app.tasks (due_at) where status <> 'done' and assignee_id is not null;
reset role;

-- migrate:down
drop index app.tasks_due_idx;
