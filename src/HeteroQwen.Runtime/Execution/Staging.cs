using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>An input's pinned host memory, dense, and where its bytes go.</summary>
internal sealed class InputStaging(string name, TensorType type, IBuffer pinned, InputUse[] uses)
{
    public string Name => name;

    public TensorType Type => type;

    public IBuffer Pinned => pinned;

    public void Upload(in Bindings bindings, SideRuntime device, SideRuntime? host)
    {
        foreach (InputUse use in uses)
        {
            (long rows, long rowBytes, long pitch) = RowCopy.Layout(use.Storage, bindings);
            if (rows == 0 || rowBytes == 0)
            {
                continue;
            }

            if (use.Side == Side.Host)
            {
                nint address = use.Storage.Buffer!.HostAddress + (nint)use.Storage.Offset;
                RowCopy.Copy(address, pitch, pinned.HostAddress, rowBytes, rowBytes, rows);
                continue;
            }

            long chunk = pitch == rowBytes ? rows : 1;
            for (long row = 0; row < rows; row += chunk)
            {
                device.Copy(use.Storage.Buffer!, use.Storage.Offset + (row * pitch), pinned, row * rowBytes, chunk * rowBytes);
            }
        }
    }
}

/// <summary>An output's host memory.</summary>
internal sealed class OutputStaging(OutputUse use, IBuffer? pinned)
{
    private bool _compacted;

    public string Name => use.Name;

    /// <summary>Enqueues the way home; the rows keep the device's pitch until they are read.</summary>
    public void Download(in Bindings bindings, SideRuntime device)
    {
        _compacted = false;
        Storage storage = use.View.Storage;
        (long rows, long rowBytes, long pitch) = RowCopy.Layout(storage, bindings);
        if (pinned is not null && rows > 0 && rowBytes > 0)
        {
            device.Copy(pinned, 0, storage.Buffer!, storage.Offset, rows * pitch);
        }
    }

    /// <summary>The output, dense. The step has been waited for.</summary>
    public unsafe ReadOnlySpan<float> Read(Bindings bindings)
    {
        Storage storage = use.View.Storage;
        (long rows, long rowBytes, long pitch) = RowCopy.Layout(storage, bindings);
        if (rows == 0 || rowBytes == 0)
        {
            return [];
        }

        nint address = pinned?.HostAddress ?? storage.Buffer!.HostAddress + (nint)storage.Offset;
        if (!_compacted && pitch != rowBytes)
        {
            for (long row = 1; row < rows; row++)
            {
                Buffer.MemoryCopy((void*)(address + (nint)(row * pitch)), (void*)(address + (nint)(row * rowBytes)), rowBytes, rowBytes);
            }
        }

        _compacted = true;
        return new((void*)address, checked((int)(rows * rowBytes / sizeof(float))));
    }
}
