using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>Copies rows between layouts that differ in the bytes from row to row.</summary>
internal static class RowCopy
{
    /// <summary>Rows of the storage's type with these bindings: their number, the bytes of one, and from one to the next.</summary>
    public static (long Rows, long RowBytes, long Pitch) Layout(Storage storage, in Bindings bindings)
    {
        TensorType type = storage.Type;
        if (type.Rank < 2)
        {
            long bytes = type.Bytes(bindings);
            return (1, bytes, bytes);
        }

        long rows = 1;
        for (int axis = 0; axis < type.Rank - 1; axis++)
        {
            rows = checked(rows * type.Shape[axis].Resolve(bindings));
        }

        long rowBytes = type.Element.Bytes(type.Shape.Last.Resolve(bindings));
        return (rows, rowBytes, type.Element.Bytes(storage.Strides[^2].Resolve(bindings)));
    }

    public static unsafe void Copy(nint destination, long destinationPitch, nint source, long sourcePitch, long rowBytes, long rows)
    {
        if (destinationPitch == rowBytes && sourcePitch == rowBytes)
        {
            (rowBytes, rows) = (checked(rowBytes * rows), 1);
        }

        for (long i = 0; i < rows; i++)
        {
            Buffer.MemoryCopy((void*)(source + (nint)(i * sourcePitch)), (void*)(destination + (nint)(i * destinationPitch)), rowBytes, rowBytes);
        }
    }
}

/// <summary>A transfer between the sides, with the pinned buffer through which it goes (in the device's layout).</summary>
internal sealed class PreparedTransfer(TransferStep step, SideRuntime device, SideRuntime host, IBuffer pinned)
{
    public void Run(in Bindings bindings)
    {
        bool toHost = step.To.Side == Side.Host;
        Storage onDevice = toHost ? step.From : step.To;
        Storage onHost = toHost ? step.To : step.From;
        (long rows, long rowBytes, long devicePitch) = RowCopy.Layout(onDevice, bindings);
        long hostPitch = RowCopy.Layout(onHost, bindings).Pitch;
        long bytes = checked(rows * devicePitch);
        if (bytes == 0 || rowBytes == 0)
        {
            return;
        }

        host.WaitIdle();
        nint hostAddress = onHost.Buffer!.HostAddress + (nint)onHost.Offset;
        if (toHost)
        {
            device.Copy(pinned, 0, onDevice.Buffer!, onDevice.Offset, bytes);
            device.WaitIdle();
            RowCopy.Copy(hostAddress, hostPitch, pinned.HostAddress, devicePitch, rowBytes, rows);
        }
        else
        {
            RowCopy.Copy(pinned.HostAddress, devicePitch, hostAddress, hostPitch, rowBytes, rows);
            device.Copy(onDevice.Buffer!, onDevice.Offset, pinned, 0, bytes);
        }

        step.Row?.Bytes += rows * rowBytes;
    }
}
