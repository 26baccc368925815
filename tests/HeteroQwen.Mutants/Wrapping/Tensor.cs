using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>A tensor of a launch by element, counted in row-major order whatever its strides.</summary>
internal sealed unsafe class Tensor
{
    /// <summary>A hook that computes a result again rounds otherwise than the processor; only what differs by more is a fault.</summary>
    private const float Noise = 1e-5f;

    private readonly ElementType _element;
    private readonly byte* _address;
    private readonly long[]? _strides;
    private readonly float[]? _values;
    private readonly Action? _fire;

    public Tensor(TensorDescriptor descriptor, in Bindings bindings, in Argument argument, Action fire)
        : this(descriptor, bindings)
    {
        _address = (byte*)argument.Buffer!.HostAddress + argument.Offset;
        _strides = descriptor.Strided ? argument.Strides : null;
        _fire = fire;
    }

    /// <summary>A constant's values.</summary>
    public Tensor(TensorDescriptor descriptor, in Bindings bindings, float[] values)
        : this(descriptor, bindings) => _values = values;

    private Tensor(TensorDescriptor descriptor, in Bindings bindings)
    {
        _element = descriptor.Element;
        Dims = new long[descriptor.Rank];
        for (int i = 0; i < Dims.Length; i++)
        {
            Dims[i] = descriptor.Dim(i, bindings);
        }

        Count = Dims.Aggregate(1L, (product, dim) => product * dim);
    }

    public long[] Dims { get; }

    public long Count { get; }

    /// <summary>Length of a row.</summary>
    public long Last => Dims.Length == 0 ? 1 : Dims[^1];

    public long Rows => Count / Last;

    public ElementType Element => _element;

    /// <summary>The address of the first element.</summary>
    public byte* Address => _address;

    /// <summary>An element; writing one that differs from what stands there is a fault in effect.</summary>
    public float this[long i]
    {
        get => _values is not null ? _values[i] : Load(_element, _address, Place(i));
        set
        {
            float old = this[i];
            Store(_element, _address, Place(i), value);
            float now = this[i];
            bool same = old.Equals(now) || MathF.Abs(now - old) <= Noise * MathF.Max(MathF.Abs(now), MathF.Abs(old));
            if (!same || float.IsFinite(old) != float.IsFinite(now))
            {
                _fire!();
            }
        }
    }

    public float this[long row, long column]
    {
        get => this[(row * Last) + column];
        set => this[(row * Last) + column] = value;
    }

    /// <summary>Copies of all elements.</summary>
    public float[] ToArray()
    {
        float[] all = new float[Count];
        for (long i = 0; i < all.Length; i++)
        {
            all[i] = this[i];
        }

        return all;
    }

    /// <summary>Takes another's elements, bit for bit.</summary>
    public void Take(Tensor other)
    {
        int bytes = _element.BlockBytes();
        long count = _element.Bytes(Count) / bytes;
        for (long i = 0; i < count; i++)
        {
            Buffer.MemoryCopy(other._address + (other.Place(i) * bytes), _address + (i * bytes), bytes, bytes);
        }
    }

    public static long[] Dense(long[] dims)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dims[i];
        }

        return strides;
    }

    /// <summary>Whether an argument holds all of the tensor.</summary>
    public static bool Fits(TensorDescriptor descriptor, Bindings bindings, Argument argument)
    {
        long[] dims = [.. descriptor.Dims.Select(d => d.Resolve(bindings))];
        if (argument.Buffer is not { HostAddress: not 0 } buffer || argument.Offset < 0 || dims.Any(d => d < 1)
            || (descriptor.Strided && (argument.Strides is null
                || argument.Strides.Length != dims.Length || argument.Strides.Any(s => s < 0))))
        {
            return false;
        }

        long[] strides = descriptor.Strided ? argument.Strides : Dense(dims);
        long elements = 1 + dims.Select((d, i) => (d - 1) * strides[i]).Sum();
        long blocks = (elements + descriptor.Element.BlockElements() - 1) / descriptor.Element.BlockElements();
        return argument.Offset + (blocks * descriptor.Element.BlockBytes()) <= buffer.Bytes;
    }

    public static float Load(ElementType type, byte* address, long i) => type switch
    {
        ElementType.F32 => ((float*)address)[i],
        ElementType.F16 => (float)((Half*)address)[i],
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)address)[i] << 16),
        ElementType.I32 => ((int*)address)[i],
        ElementType.I8 => ((sbyte*)address)[i],
        ElementType.Bool => address[i],
        _ => float.NaN,
    };

    private static void Store(ElementType type, byte* address, long i, float value)
    {
        switch (type)
        {
            case ElementType.F32:
                ((float*)address)[i] = value;
                break;
            case ElementType.F16:
                ((Half*)address)[i] = (Half)value;
                break;
            case ElementType.BF16:
                ((ushort*)address)[i] = (ushort)(BitConverter.SingleToUInt32Bits(Rounded.ToBFloat16(value)) >> 16);
                break;
            case ElementType.I32:
                ((int*)address)[i] = (int)value;
                break;
            case ElementType.Bool:
                address[i] = (byte)(value == 0 ? 0 : 1);
                break;
            default:
                throw new InvalidOperationException($"an element of {type.Name()} is not written alone");
        }
    }

    private long Place(long i)
    {
        if (_strides is null)
        {
            return i;
        }

        long place = 0;
        for (int axis = Dims.Length - 1; axis >= 0; axis--)
        {
            (i, long at) = Math.DivRem(i, Dims[axis]);
            place += at * _strides[axis];
        }

        return place;
    }
}
