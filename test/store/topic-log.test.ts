import { createTopicLog } from '../../src/store/topic-log.ts';
import { topicLogContract } from '../contract/topic-log.ts';
import { openDatabase } from '../support/database.ts';

topicLogContract('PostgreSQL', async () => {
    const { sql, close } = await openDatabase();
    await sql.unsafe(`
        create schema demo;
        create table demo.denied (id text primary key);
        create function demo.can_read(user_id text, id uuid) returns boolean language sql stable
            return user_id = 'ann' and not exists (select from demo.denied d where d.id = can_read.id::text);
        grant usage on schema demo to tidings_server;
        grant select on demo.denied to tidings_server;
        select tidings.topic_kind('project', 'demo.can_read(text, uuid)');`);
    const ids = Array.from({ length: 3 }, () => crypto.randomUUID()) as [string, string, string];

    async function sequenceAll(): Promise<void> {
        let more = true;
        while (more) {
            const [run] = await sql`select more or numbered > 0 as more from tidings.sequence()`;
            more = run?.['more'];
        }
    }

    return {
        log: createTopicLog(sql),
        ids,
        async append(topic, count) {
            await sql`select tidings.emit(${topic}, 'thing.happened') from generate_series(1, ${count})`;
            await sequenceAll();
        },
        async deny(topic) {
            await sql`insert into demo.denied values (${topic.slice(topic.indexOf(':') + 1)})`;
        },
        async reset(topic) {
            await sql`select tidings.capture_failed('demo.t', 't', 'INSERT', ${[topic]}, null, 'XX000', 'test', null)`;
            await sequenceAll();
        },
        async renew() {
            await sql`select tidings.new_epoch()`;
        },
        close,
    };
});
