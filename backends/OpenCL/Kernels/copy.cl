// copy: y[i] = (TO)x[i], any strides of both, any first element of x. An item takes BLOCK elements of a row, one by one.
// Scalar equivalent: store(load(i)). With MOVE the types are alike and MOVE is an integer of their size.

#ifdef MOVE
kernel GROUP void copy(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy)
{
    WALK_BEGIN
    global const MOVE *px = DATA(const MOVE, x) + OFFSET(sx);
    global MOVE *py = DATA(MOVE, y) + OFFSET(sy);
    if (sx.s7 == 1 && sy.s7 == 1)
    {
        for (long i = first; i < last; i++)
        {
            py[i] = px[i];
        }
        return;
    }
    for (long i = first; i < last; i++)
    {
        py[i * sy.s7] = px[i * sx.s7];
    }
}
#else
kernel GROUP void copy(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy)
{
    WALK_BEGIN
    long px = OFFSET(sx);
    long py = OFFSET(sy);
    for (long i = first; i < last; i++)
    {
        PASTE(store, TO)(DATA(uchar, y), py + i * sy.s7, PASTE(load, FROM)(DATA(const uchar, x), px + i * sx.s7));
    }
}
#endif
