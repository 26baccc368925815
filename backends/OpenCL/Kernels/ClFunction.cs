using System.Text;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>A kernel of a program, whose arguments are set in order for each launch. Nothing is allocated by a launch.</summary>
internal sealed unsafe class ClFunction : IDisposable
{
    private readonly CL _cl;
    private readonly string _what;
    private readonly int _lanes;
    private nint _kernel;
    private uint _next;
    private int _error;

    /// <param name="device">The device.</param>
    /// <param name="file">The source's name.</param>
    /// <param name="definitions">Build options.</param>
    /// <param name="name">The kernel's name in the source.</param>
    /// <param name="lanes">Work-items of a group.</param>
    /// <exception cref="StatusException">The program cannot be built.</exception>
    public ClFunction(OpenClDevice device, string file, string definitions, string name, int lanes)
    {
        (_cl, _lanes, _what) = (device.Cl, lanes, $"{device.Label}: {name} of {file}");
        nint program = device.Programs.Get(file, $"-D WG={lanes} {definitions}");
        int error;
        fixed (byte* text = Encoding.ASCII.GetBytes(name + '\0'))
        {
            _kernel = _cl.CreateKernel(program, text, &error);
        }

        StatusException.ThrowIfError(ClErrors.Of(error, _what));
    }

    /// <summary>Begins the arguments of a launch.</summary>
    public ClFunction Begin()
    {
        (_next, _error) = (0, ClErrors.Success);
        return this;
    }

    /// <summary>A tensor: its memory and the byte where it begins.</summary>
    public ClFunction Tensor(nint memory, long offset)
    {
        Set((nuint)sizeof(nint), &memory);
        Set(sizeof(long), &offset);
        return this;
    }

    public ClFunction Tensor(TensorSlot slot) => Tensor(slot.Memory, slot.Offset);

    public ClFunction Tensor(in TensorPart part) => Tensor(part.Memory, part.Offset);

    public ClFunction Int(long value)
    {
        int narrow = checked((int)value);
        Set(sizeof(int), &narrow);
        return this;
    }

    public ClFunction Long(long value)
    {
        Set(sizeof(long), &value);
        return this;
    }

    public ClFunction Float(float value)
    {
        Set(sizeof(float), &value);
        return this;
    }

    public ClFunction Long4(long x, long y, long z, long w)
    {
        long* values = stackalloc long[] { x, y, z, w };
        Set(4 * sizeof(long), values);
        return this;
    }

    public ClFunction Long8(ReadOnlySpan<long> values)
    {
        fixed (long* first = values)
        {
            Set(8 * sizeof(long), first);
        }

        return this;
    }

    /// <summary>Local memory of a group.</summary>
    public ClFunction Local(long bytes)
    {
        Set((nuint)bytes, null);
        return this;
    }

    /// <summary>Enqueues enough groups for so many items, each of which checks its number.</summary>
    public Status RunItems(nint queue, long items) => Run(queue, (items + _lanes - 1) / _lanes);

    /// <summary>Enqueues groups.</summary>
    public Status Run(nint queue, long x, long y = 1, long z = 1)
    {
        if (_error == ClErrors.Success)
        {
            nuint* global = stackalloc nuint[] { checked((nuint)(x * _lanes)), (nuint)y, (nuint)z };
            nuint* local = stackalloc nuint[] { (nuint)_lanes, 1, 1 };
            _error = _cl.EnqueueNdrangeKernel(queue, _kernel, 3, null, global, local, 0, null, (nint*)null);
        }

        return _error == ClErrors.Success ? Status.Ok : ClErrors.Of(_error, _what);
    }

    public void Dispose()
    {
        if (_kernel != 0)
        {
            _cl.ReleaseKernel(_kernel);
            _kernel = 0;
        }
    }

    private void Set(nuint bytes, void* value)
    {
        int error = _cl.SetKernelArg(_kernel, _next++, bytes, value);
        _error = _error == ClErrors.Success ? error : _error;
    }
}
