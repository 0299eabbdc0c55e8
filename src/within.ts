/** Waiting no longer than so long. */

/** What `work` resolves to, or `late` if that takes longer; `work` goes on, and rejects unheard then. */
export async function within<T, L>(ms: number, work: Promise<T>, late: L): Promise<T | L> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<L>((resolve) => {
        timer = setTimeout(() => resolve(late), ms);
    });
    try {
        return await Promise.race([work, over]);
    } finally {
        clearTimeout(timer);
    }
}
