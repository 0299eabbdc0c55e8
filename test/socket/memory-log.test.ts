import { topicLogContract } from '../contract/topic-log.ts';
import { MemoryLog } from './memory-log.ts';

topicLogContract('MemoryLog', async () => {
    const log = new MemoryLog();
    return {
        log,
        ids: ['1', '2', '3'],
        append: async (topic, count) => void log.appendMany(topic, count),
        deny: async (topic) => log.deny('ann', topic),
        reset: async (topic) => void log.reset(topic),
        renew: async () => log.newEpoch('k2'),
        close: async () => undefined,
    };
});
