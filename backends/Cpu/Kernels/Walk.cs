namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// An elementwise walk over tensors of one shape and any strides: axes that all tensors run through evenly are merged, the innermost
/// of what is left is the row, and rows are cut into blocks of a fixed length, the units of work.
/// </summary>
internal sealed class Walk(int rank, int tensors)
{
    /// <summary>Elements of a block at the most; whole blocks of every quantised type.</summary>
    public const long Block = 4096;

    private readonly long[] _dims = new long[rank + 1];
    private readonly long[] _strides = new long[(rank + 1) * tensors];
    private int _axes;
    private long _blocksPerRow;

    /// <summary>Number of blocks.</summary>
    public long Units { get; private set; }

    /// <summary>Elements of a block, save the last of a row.</summary>
    public long UnitElements => Math.Min(Block, _dims[_axes - 1]);

    /// <summary>Lays out the walk.</summary>
    /// <param name="dims">The common dimensions.</param>
    /// <param name="strides">The strides of each tensor, in order.</param>
    public void Set(long[] dims, params ReadOnlySpan<long[]> strides)
    {
        _axes = 0;
        for (int axis = 0; axis < dims.Length; axis++)
        {
            if (dims[axis] == 1)
            {
                continue;
            }

            if (_axes > 0 && RunsOn(dims[axis], axis, strides))
            {
                _dims[_axes - 1] *= dims[axis];
            }
            else
            {
                _dims[_axes++] = dims[axis];
            }

            for (int t = 0; t < tensors; t++)
            {
                _strides[((_axes - 1) * tensors) + t] = strides[t][axis];
            }
        }

        if (_axes == 0)
        {
            _dims[_axes++] = 1;
            _strides.AsSpan(0, tensors).Fill(1);
        }

        _blocksPerRow = (_dims[_axes - 1] + Block - 1) / Block;
        Units = _blocksPerRow;
        for (int axis = 0; axis < _axes - 1; axis++)
        {
            Units *= _dims[axis];
        }
    }

    /// <summary>Stride of a tensor along the row.</summary>
    public long Inner(int tensor) => _strides[((_axes - 1) * tensors) + tensor];

    /// <summary>Number of elements of a unit.</summary>
    public long Count(long unit) => Math.Min(Block, _dims[_axes - 1] - (unit % _blocksPerRow * Block));

    /// <summary>Elements from the start of a tensor to the first element of a unit.</summary>
    public long Offset(int tensor, long unit)
    {
        (long row, long block) = Math.DivRem(unit, _blocksPerRow);
        long offset = block * Block * Inner(tensor);
        for (int axis = _axes - 2; axis >= 0; axis--)
        {
            (row, long i) = Math.DivRem(row, _dims[axis]);
            offset += i * _strides[(axis * tensors) + tensor];
        }

        return offset;
    }

    private bool RunsOn(long dim, int axis, ReadOnlySpan<long[]> strides)
    {
        for (int t = 0; t < tensors; t++)
        {
            if (_strides[((_axes - 1) * tensors) + t] != strides[t][axis] * dim)
            {
                return false;
            }
        }

        return true;
    }
}
