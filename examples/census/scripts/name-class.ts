type Person = { class: string | null };

/** Says the income class in words. */
export default (row: Person): Person => ({ ...row, class: row.class === '>50K' ? 'above 50K' : 'up to 50K' });
