namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>
/// A vector of as many columns of a product as <typeparamref name="F"/> has lanes, with 32 bits for each: four codes u8 of a weight, four
/// codes s8 of an activation, sums in the making, or an i32. A loop over a type parameter of this interface serves every width.
/// <para>Codes of eight bits are multiplied in two parts, <c>a</c> and <c>b</c>, each with sums of its own, where an instruction takes
/// no more than u4 x s8 without loss: a + 16 b. Where it takes all of u8 x s8, a is the code and b is not used.</para>
/// </summary>
internal unsafe interface ICodeSimd<T, F>
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
{
    static abstract T Zero { get; }

    static abstract T Load(byte* codes);

    /// <summary>Four bytes, or an i32, in every column.</summary>
    static abstract T Broadcast(void* from);

    /// <summary>The four bits of each byte from bit <paramref name="shift"/> on.</summary>
    static abstract T Four(T bytes, int shift);

    /// <summary>The two bits of each byte from bit <paramref name="shift"/> on.</summary>
    static abstract T Two(T bytes, int shift);

    /// <summary>Part a of codes u8.</summary>
    static abstract T PartA(T codes);

    /// <summary>Part b of codes u8.</summary>
    static abstract T PartB(T codes);

    /// <summary>Part a of the codes low + 16 high; part b is <paramref name="high"/>.</summary>
    static abstract T PartA(T low, T high);

    /// <summary>Sums of a (or of codes u4) times x, more. At most eight times without <see cref="Sum"/>.</summary>
    static abstract T MultiplyA(T sums, T a, T x);

    /// <summary>Sums of b times x, more.</summary>
    static abstract T MultiplyB(T sums, T b, T x);

    /// <summary>The i32 of sums of parts a and of parts b.</summary>
    static abstract T Sum(T a, T b);

    /// <summary>The i32 of two sums of codes u4, of eight products in all.</summary>
    static abstract T SumOfNibbles(T sums, T others);

    /// <summary>The i32 of two sums of codes u6, of two products each.</summary>
    static abstract T SumOfSextets(T sums, T others);

    /// <summary>i32: x + (y shifted left).</summary>
    static abstract T AddShifted(T x, T y, int shift);

    static abstract F ToSingle(T x);

    /// <summary>The bf16 in the lower half of each column, widened.</summary>
    static abstract F LowerBrain(T x);

    /// <summary>The bf16 in the upper half of each column, widened.</summary>
    static abstract F UpperBrain(T x);
}
