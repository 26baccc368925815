using System.Collections.Immutable;
using HeteroQwen.Ir;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>A run of rows (slices of axis 0) of a tensor in one memory object.</summary>
/// <param name="Memory">The memory object.</param>
/// <param name="Offset">Byte of it where the first row begins.</param>
/// <param name="First">Number of the first row.</param>
/// <param name="Rows">How many rows.</param>
internal readonly record struct TensorPart(nint Memory, long Offset, long First, long Rows);

/// <summary>
/// Constants in device memory, as they are laid out in files: one copy for all kernels that read the same identity, split between rows
/// where they exceed the largest buffer, and released with the last reader.
/// </summary>
internal sealed unsafe class ConstantStore(OpenClDevice device)
{
    private const long ChunkBytes = 16 << 20;

    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Memory objects held now.</summary>
    public int Count => _entries.Values.Sum(e => e.Parts.Length);

    /// <exception cref="StatusException">There is no memory, or the bytes are not those of the descriptor.</exception>
    public ConstantLease Acquire(TensorDescriptor descriptor, ConstantData? constant)
    {
        (long rows, long rowBytes) = Check(descriptor, constant);
        string key = $"{constant!.Identity}\0{descriptor.Element}\0{rows}\0{rowBytes}";
        if (!_entries.TryGetValue(key, out Entry? entry))
        {
            entry = new Entry(Upload(constant, rows, rowBytes), rowBytes);
            _entries.Add(key, entry);
        }

        entry.Readers++;
        return new ConstantLease(this, key, entry.Parts, rows * rowBytes);
    }

    internal void Release(string key)
    {
        Entry entry = _entries[key];
        if (--entry.Readers == 0)
        {
            _entries.Remove(key);
            Release(entry.Parts, entry.RowBytes);
        }
    }

    private static (long Rows, long RowBytes) Check(TensorDescriptor descriptor, ConstantData? constant)
    {
        if (constant is null || (constant.Generator is null && constant.Ranges.IsDefaultOrEmpty))
        {
            throw new ArgumentException($"a constant {descriptor} comes without its bytes");
        }

        long rows = descriptor.Rank == 0 ? 1 : descriptor.Dims[0].Constant;
        long slice = 1;
        for (int i = 1; i < descriptor.Rank; i++)
        {
            slice = checked(slice * descriptor.Dims[i].Constant);
        }

        long rowBytes = descriptor.Element.Bytes(slice);
        bool typed = constant.Type == descriptor.Element && constant.Shape.SequenceEqual(descriptor.Dims.Select(d => d.Code));
        bool whole = constant.Generator is not null
            || constant.Ranges.All(r => r.Address != 0 && r.Length > 0 && r.Length % Math.Max(1, rowBytes) == 0);
        if (!typed || !whole || rows <= 0 || rowBytes <= 0 || constant.Bytes != checked(rows * rowBytes))
        {
            throw new ArgumentException($"the bytes of constant {constant.Identity} do not fill {descriptor}");
        }

        return (rows, rowBytes);
    }

    private ImmutableArray<TensorPart> Upload(ConstantData constant, long rows, long rowBytes)
    {
        long largest = Math.Min(device.Facts.LargestBuffer, device.Tuning.PieceBytes);
        long most = Math.Min(rows, largest / rowBytes);
        if (most == 0)
        {
            throw new StatusException(Status.OutOfMemory(
                $"{device.Label}: a slice of {constant.Identity} has {rowBytes} bytes, the device's largest buffer {largest}"));
        }

        List<TensorPart> parts = [];
        try
        {
            for (long first = 0; first < rows; first += most)
            {
                long count = Math.Min(most, rows - first);
                StatusException.ThrowIfError(device.Memory.Create(count * rowBytes, MemFlags.ReadOnly, out nint memory));
                parts.Add(new TensorPart(memory, 0, first, count));
                Fill(constant, memory, first * rowBytes, count * rowBytes);
            }

            return [.. parts];
        }
        catch
        {
            Release([.. parts], rowBytes);
            throw;
        }
    }

    /// <summary>Writes through the map, so that host memory of the driver's choice is the only stage between.</summary>
    private void Fill(ConstantData constant, nint memory, long from, long bytes)
    {
        long chunk = Math.Max(1, ChunkBytes / constant.Type.BlockBytes()) * constant.Type.BlockBytes();
        for (long done = 0; done < bytes; done += chunk)
        {
            long part = Math.Min(chunk, bytes - done);
            int error;
            void* mapped = device.Cl.EnqueueMapBuffer(
                device.TransferQueue, memory, true, MapFlags.WriteInvalidateRegion, (nuint)done, (nuint)part, 0, null, null, &error);
            StatusException.ThrowIfError(ClErrors.Of(error, $"{device.Label}: mapping memory for {constant.Identity}"));
            try
            {
                constant.Read(from + done, (nint)mapped, part);
            }
            finally
            {
                error = device.Cl.EnqueueUnmapMemObject(device.TransferQueue, memory, mapped, 0, null, (nint*)null);
            }

            StatusException.ThrowIfError(ClErrors.Of(error, $"{device.Label}: writing {constant.Identity}"));
        }

        StatusException.ThrowIfError(ClErrors.Of(device.Cl.Finish(device.TransferQueue), $"{device.Label}: writing {constant.Identity}"));
    }

    private void Release(ImmutableArray<TensorPart> parts, long rowBytes)
    {
        foreach (TensorPart part in parts)
        {
            device.Memory.Release(part.Memory, part.Rows * rowBytes);
        }
    }

    private sealed class Entry(ImmutableArray<TensorPart> parts, long rowBytes)
    {
        public ImmutableArray<TensorPart> Parts => parts;

        public long RowBytes => rowBytes;

        public int Readers { get; set; }
    }
}

/// <summary>One kernel's hold on a constant.</summary>
internal sealed class ConstantLease(ConstantStore store, string key, ImmutableArray<TensorPart> parts, long bytes) : IDisposable
{
    public ImmutableArray<TensorPart> Parts => parts;

    public long Bytes => bytes;

    public void Dispose() => store.Release(key);
}
