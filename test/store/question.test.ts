import { expect, test } from 'vitest';
import { type Line, Question } from '../../src/store/question.ts';

test('a second line that fails while the first is silent ends the question, long before its deadline', async () => {
    const dropped: string[] = [];
    const line = (name: string): Line => ({ sql: name as never, drop: () => void dropped.push(name) });
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { errno: -111 });
    const ask = (sql: unknown) => (sql === 'first' ? new Promise<never>(() => undefined) : Promise.reject(refused));
    const question = new Question(ask, { deadlineMs: 3000, patienceMs: 20 });
    const startedMs = performance.now();
    await expect(question.put(line('first'), () => line('second'))).rejects.toThrow('ECONNREFUSED');
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(dropped).toContain('first');
});
