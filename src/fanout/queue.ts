/** First in, first out, with a look at any place: an array whose used front is cut off now and then. */

/** Cut when the front is this long and at least half of all, so that every item is moved once on average. */
const CUT_FROM = 64;

/** Pushing and shifting cost the same whatever the length. */
export class Queue<T> {
    #items: T[] = [];
    #front = 0;

    get length(): number {
        return this.#items.length - this.#front;
    }

    push(item: T): void {
        this.#items.push(item);
    }

    shift(): T | undefined {
        const item = this.#items[this.#front];
        if (this.length === 0) return undefined;
        this.#front += 1;
        if (this.#front >= CUT_FROM && this.#front * 2 >= this.#items.length) {
            this.#items = this.#items.slice(this.#front);
            this.#front = 0;
        }
        return item;
    }

    /** Items from a place on, at most `limit`. */
    slice(place: number, limit: number): readonly T[] {
        const start = this.#front + place;
        return this.#items.slice(start, start + limit);
    }
}
