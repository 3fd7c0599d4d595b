/** Paths of the publish API that have names of users and channels in them. */
/**
 * A path with names in it.
 *
 * @param {string} template such as `/users/:user/disconnect`
 * @param {Record<string, string>} names what stands for `:user`
 * @param {Record<string, string | number | undefined>} [query]
 */
export declare function pathTo(template: string, names: Record<string, string>, query?: Record<string, string | number | undefined>): string;
