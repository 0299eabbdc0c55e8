/** The name of a mail: the moment it came, in a form that sorts and is safe in a path: `20261123T081500123Z`. */

const ID_PATTERN = /^\d{8}T\d{9}Z$/;
const FILE_PATTERN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z\.eml$/;

/** The name of the mail that came then. */
export function idOf(time: Date): string {
    return time.toISOString().replace(/[-:.]/g, '');
}

/** Whether it may name a mail. */
export function isId(text: string): boolean {
    return ID_PATTERN.test(text);
}

/** When the mail of a file came, null if it is no file of ours. */
export function timeOf(file: string): Date | null {
    const time = new Date(file.replace(FILE_PATTERN, '$1-$2-$3T$4:$5:$6.$7Z'));
    return FILE_PATTERN.test(file) && !Number.isNaN(time.getTime()) ? time : null;
}
