namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>
/// A vector of f32 lanes. A loop written once over a type parameter of this interface serves every width: the JIT makes a copy of it
/// per width, in which each member is one or a few instructions. Loads and stores take any address.
/// </summary>
internal unsafe interface ISimd<T>
    where T : struct, ISimd<T>
{
    /// <summary>Number of lanes.</summary>
    static abstract int Count { get; }

    static abstract T Zero { get; }

    /// <summary>The value in every lane.</summary>
    static abstract T Create(float value);

    static abstract T Load(float* from);

    /// <summary>f16 widened, exact: subnormals, infinities and NaNs too.</summary>
    static abstract T LoadHalves(ushort* from);

    /// <summary>bf16 widened.</summary>
    static abstract T LoadBrains(ushort* from);

    /// <summary>i8 widened.</summary>
    static abstract T LoadBytes(sbyte* from);

    static abstract void Store(float* to, T x);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T operator /(T a, T b);

    /// <summary>a * b + c, rounded once where the processor can.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>The larger of the two in each lane; either if one is NaN.</summary>
    static abstract T Max(T a, T b);

    /// <summary><paramref name="yes"/> in the lanes where a is below b, else <paramref name="no"/>.</summary>
    static abstract T SelectLess(T a, T b, T yes, T no);

    /// <summary>x times 2 to the power i, i being the lowest bits of <paramref name="n"/>; from -126 to 127, unchecked.</summary>
    static abstract T ScaleByPower(T x, T n);

    /// <summary>to[0..3] = the sums of the lanes of a, b, c and d. All four in the same order.</summary>
    static abstract void StoreSums(T a, T b, T c, T d, float* to);

    /// <summary>The sum of the lanes, in a fixed order.</summary>
    static abstract float Sum(T x);

    /// <summary>The largest lane.</summary>
    static abstract float MaxLane(T x);
}
