using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.ToyBackends;

/// <summary>Bytes of the host that must not change before the step's event.</summary>
internal sealed unsafe class HostBytes(string owner, nint address, int length)
{
    private readonly byte[] _snapshot = new ReadOnlySpan<byte>((void*)address, length).ToArray();

    public string Owner => owner;

    public bool IsUnchanged => new ReadOnlySpan<byte>((void*)address, length).SequenceEqual(_snapshot);
}

/// <summary>One launch: looked over when it is enqueued, and run on the inner device later.</summary>
internal sealed unsafe class LateLaunch
{
    private readonly LateKernel _kernel;
    private readonly Argument[] _arguments;
    private readonly TensorDescriptor[] _tensors;
    private readonly long[][] _dims;
    private readonly IBuffer? _workspace;
    private readonly long _workspaceOffset;
    private readonly int _operands;

    public LateLaunch(LateKernel kernel, in Bindings bindings, Argument[] arguments, IBuffer? workspace, long workspaceOffset)
    {
        Bindings bound = bindings;
        (_kernel, Bindings, _workspace, _workspaceOffset) = (kernel, bindings, workspace, workspaceOffset);
        _operands = kernel.Op.Operands.Length;
        _tensors = [.. kernel.Op.Operands, .. kernel.Op.Results];
        _dims = [.. _tensors.Select(t => t.Dims.Select(d => d.Resolve(bound)).ToArray())];
        _arguments = [.. arguments.Select(a => a with { Strides = [.. a.Strides ?? []] })];
    }

    public Bindings Bindings { get; }

    public IEnumerable<LateBuffer> Buffers => _arguments.Select(a => a.Buffer).Append(_workspace).OfType<LateBuffer>();

    private Capabilities Capabilities => _kernel.Device.Capabilities;

    /// <summary>The first rule of the contract that the launch breaks; null if none.</summary>
    public string? Breach()
    {
        if (!Bindings.Within(_kernel.Op.Maxima))
        {
            return $"they exceed {_kernel.Op.Maxima}";
        }

        if (_dims.Any(d => d.Contains(0)))
        {
            return "a dimension is 0";
        }

        if (_arguments.Length != _tensors.Length)
        {
            return $"{_arguments.Length} arguments";
        }

        IEnumerable<string?> breaches = _arguments.Select((_, i) => Breach(i));
        return breaches.FirstOrDefault(b => b is not null) ?? WorkspaceBreach() ?? OverlapBreach();
    }

    /// <summary>Host memory that the kernel asked for.</summary>
    public HostBytes[] HostBytes() =>
    [
        .. Enumerable.Range(0, _operands).Where(AsksHost).Select(i => new HostBytes(
            _kernel.Op.Name, _arguments[i].HostBytes, (int)_tensors[i].Element.Bytes(_tensors[i].Elements(Bindings)))),
    ];

    public Status Execute()
    {
        lock (_kernel.Device.Inner)
        {
            using InnerRun run = new(_kernel.Device.Inner);
            Argument[] inner = [.. _arguments.Select((_, i) => InnerArgument(run, i))];
            foreach ((int operand, int result) in _kernel.Updates.Where(u => IsRead(u.Operand)))
            {
                inner[_operands + result] = inner[operand];
            }

            Poison();
            Status status = run.Launch(_kernel.Inner, Bindings, inner);
            for (int i = _operands; i < _tensors.Length && status.IsOk; i++)
            {
                byte* result = InnerRun.Address(inner[i]);
                Strides.Copy(_tensors[i].Element, _dims[i], Address(i), _arguments[i].Strides, result, inner[i].Strides);
            }

            return status.IsOk ? status : Status.LaunchFailed($"{_kernel.Op} with {Bindings}: {status.Message}");
        }
    }

    /// <summary>The tensor without padding and strides in the inner device's memory, with its contents if they matter.</summary>
    private Argument InnerArgument(InnerRun run, int i)
    {
        if (i < _operands && !IsRead(i))
        {
            return new() { Strides = Strides.RowMajor(_tensors[i], _dims[i], 1), HostBytes = _arguments[i].HostBytes };
        }

        Argument inner = run.Allocate(_tensors[i], _dims[i]);
        inner.HostBytes = _arguments[i].HostBytes;
        if (i < _operands || IsState(i))
        {
            Strides.Copy(_tensors[i].Element, _dims[i], InnerRun.Address(inner), inner.Strides, Address(i), _arguments[i].Strides);
        }

        return inner;
    }

    /// <summary>What is not written holds NaN afterwards: results with their padding and tails, and the workspace. States stay.</summary>
    private void Poison()
    {
        for (int i = _operands; i < _tensors.Length; i++)
        {
            if (!IsState(i))
            {
                Range range = RangeOf(i);
                range.Buffer.Span(range.First, range.End - range.First).Fill(0xFF);
            }
        }

        ((LateBuffer)_workspace!).Span(_workspaceOffset, LateKernel.WorkspaceBytes(Bindings)).Fill(0xFF);
    }

    private string? Breach(int i)
    {
        ref Argument argument = ref _arguments[i];
        string name = i < _operands ? $"operand {i}" : $"result {i - _operands}";
        if (i < _operands && AsksHost(i) && argument.HostBytes == 0)
        {
            return $"{name} has no host bytes";
        }

        if (i < _operands && !IsRead(i))
        {
            return argument.Buffer is null ? null : $"{name} is there and not read";
        }

        int unit = _kernel.Op.Name == "copy" && i < _operands ? _tensors[i].Element.BlockBytes() : Capabilities.Alignment;
        return argument.Buffer is not LateBuffer buffer || buffer.Device != _kernel.Device ? $"{name} is absent or not of this device"
            : buffer.IsReleased ? $"{name} is released"
            : argument.Offset % unit != 0 ? $"{name} starts at {argument.Offset}"
            : argument.Strides.Length != _tensors[i].Rank ? $"{name} has {argument.Strides.Length} strides"
            : !_tensors[i].Strided && !IsRowMajor(i) ? $"{name} has strides {string.Join(", ", argument.Strides)}"
            : !buffer.Holds(argument.Offset, RangeOf(i).End - argument.Offset) ? $"{name} reaches beyond its buffer"
            : null;
    }

    private string? WorkspaceBreach() =>
        _workspace is not LateBuffer { IsReleased: false } workspace || workspace.Device != _kernel.Device ? "no workspace"
            : _workspaceOffset % Capabilities.Alignment != 0 ? $"the workspace starts at {_workspaceOffset}"
            : !workspace.Holds(_workspaceOffset, LateKernel.WorkspaceBytes(Bindings)) ? "the workspace is too small"
            : null;

    private string? OverlapBreach()
    {
        Range workspace = new((LateBuffer)_workspace!, _workspaceOffset, _workspaceOffset + LateKernel.WorkspaceBytes(Bindings));
        for (int result = 0; result < _tensors.Length - _operands; result++)
        {
            int i = _operands + result;
            for (int j = 0; j < i; j++)
            {
                bool isUpdate = j < _operands && _kernel.Updates.Contains((j, result));
                if (isUpdate && _arguments[j].Buffer is not null && RangeOf(j) != RangeOf(i))
                {
                    return $"result {result} does not lie where its state does";
                }

                bool mayShare = isUpdate || (j < _operands && _kernel.Info.InPlace.Contains((j, result)));
                if (_arguments[j].Buffer is not null && !mayShare && RangeOf(i).Overlaps(RangeOf(j)))
                {
                    return $"result {result} overlaps {(j < _operands ? $"operand {j}" : $"result {j - _operands}")}";
                }
            }

            if (RangeOf(i).Overlaps(workspace))
            {
                return $"result {result} overlaps the workspace";
            }
        }

        return null;
    }

    private bool IsRead(int operand) =>
        (_kernel.Info.ReadsOperands >> operand & 1) != 0 && _tensors[operand].Role != TensorRole.Constant;

    private bool AsksHost(int operand) => (_kernel.Info.HostOperands >> operand & 1) != 0;

    private bool IsState(int tensor) => _tensors[tensor].Role == TensorRole.State;

    private byte* Address(int tensor) => ((LateBuffer)_arguments[tensor].Buffer!).Address + _arguments[tensor].Offset;

    private bool IsRowMajor(int tensor)
    {
        long[] wanted = Strides.RowMajor(_tensors[tensor], _dims[tensor], Capabilities.RowMultiple);
        return !wanted.Where((stride, axis) => _dims[tensor][axis] > 1 && _arguments[tensor].Strides[axis] != stride).Any();
    }

    /// <summary>From the first byte to the last; what is row-major has its row padding and its tail.</summary>
    private Range RangeOf(int tensor)
    {
        ref Argument argument = ref _arguments[tensor];
        TensorDescriptor type = _tensors[tensor];
        long bytes = type.Strided
            ? type.Element.Bytes(_dims[tensor].Zip(argument.Strides, (d, s) => (d - 1) * s).Sum() + type.Element.BlockElements())
            : Strides.Tail(type, _dims[tensor], Capabilities);
        return new((LateBuffer)argument.Buffer!, argument.Offset, argument.Offset + bytes);
    }

    private readonly record struct Range(LateBuffer Buffer, long First, long End)
    {
        public bool Overlaps(Range other) => Buffer == other.Buffer && First < other.End && other.First < End;
    }
}
