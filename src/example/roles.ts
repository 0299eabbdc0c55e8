/** Who may do what: the one table of roles and actions. */

/** Roles in a project, in rising order. Admins of the organisation have `owner` in all its projects. */
export const ROLES = ['viewer', 'commenter', 'editor', 'owner'] as const;

export type Role = (typeof ROLES)[number];

/** The lowest role that may do each action. */
const LOWEST = {
    'project.read': 'viewer',
    'project.change': 'owner',
    'project.delete': 'owner',
    'member.read': 'viewer',
    'member.change': 'owner',
    'task.read': 'viewer',
    'task.create': 'editor',
    'task.change': 'editor',
    'task.delete': 'editor',
    'comment.read': 'viewer',
    'comment.create': 'commenter',
    'timer.use': 'commenter',
    'activity.read': 'viewer',
} as const satisfies Record<string, Role>;

export type Action = keyof typeof LOWEST;

/** Whether `role` may do `action`. */
export function mayDo(role: Role, action: Action): boolean {
    return ROLES.indexOf(role) >= ROLES.indexOf(LOWEST[action]);
}
