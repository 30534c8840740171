export default ({ id }: { id: number }) => ({ id });
