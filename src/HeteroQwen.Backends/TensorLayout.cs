using HeteroQwen.Ir;

namespace HeteroQwen.Backends;

/// <summary>
/// Dimensions and strides of one operand or result of a kernel, bound anew by each launch without allocating. A backend adds where the
/// tensor lies.
/// </summary>
public class TensorLayout
{
    public TensorLayout(TensorDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        Descriptor = descriptor;
        Dims = new long[descriptor.Rank];
        Strides = new long[descriptor.Rank];
    }

    public TensorDescriptor Descriptor { get; }

    public ElementType Element => Descriptor.Element;

    public int Rank => Dims.Length;

    public long[] Dims { get; }

    /// <summary>Elements from one index to the next on each axis.</summary>
    public long[] Strides { get; }

    /// <summary>Bytes of an element; of a block where the type is quantised.</summary>
    public int ElementBytes => Element.BlockBytes();

    public bool IsConstant => Descriptor.Role == TensorRole.Constant;

    public long Last => Dims[^1];

    public long Elements => Product(0, Rank);

    public long Product(int first, int last)
    {
        long product = 1;
        for (int i = first; i < last; i++)
        {
            product *= Dims[i];
        }

        return product;
    }

    /// <summary>Binds the dimensions.</summary>
    protected void Resolve(in Bindings bindings)
    {
        for (int i = 0; i < Rank; i++)
        {
            Dims[i] = Descriptor.Dims[i].Resolve(bindings);
        }
    }

    /// <exception cref="OverflowException">They cannot be counted.</exception>
    protected void SetDenseStrides()
    {
        long stride = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            Strides[i] = stride;
            stride = checked(stride * Dims[i]);
        }
    }

    /// <summary>Binds dimensions and strides to those of a launch.</summary>
    /// <param name="bindings">Values of the symbols.</param>
    /// <param name="argument">The tensor of the launch.</param>
    /// <param name="what">The tensor in words.</param>
    /// <param name="bytes">From the first element to the end of the last; 0 if a stride is negative or the number absurd.</param>
    protected Status BindLayout(in Bindings bindings, in Argument argument, string what, out long bytes)
    {
        bytes = 0;
        Resolve(bindings);
        foreach (long dim in Dims)
        {
            if (dim < 1)
            {
                return Status.InvalidArgument($"{what} has a dimension of {dim} in a launch; no kernel sees an empty tensor");
            }
        }

        if (!Descriptor.Strided)
        {
            SetDenseStrides();
        }
        else if (argument.Strides is not { } strides || strides.Length != Rank)
        {
            return Status.InvalidArgument($"{what} is strided and comes without a stride for each of its {Rank} axes");
        }
        else
        {
            strides.CopyTo(Strides, 0);
        }

        bytes = Extent();
        return Status.Ok;
    }

    private long Extent()
    {
        Int128 last = 0;
        for (int i = 0; i < Rank; i++)
        {
            if (Strides[i] < 0)
            {
                return 0;
            }

            last += (Int128)(Dims[i] - 1) * Strides[i];
        }

        // A quantised tensor is dense and ends with a block.
        Int128 extent = (last + 1) / Element.BlockElements() * ElementBytes;
        return extent > 0 && extent <= long.MaxValue ? (long)extent : 0;
    }
}
