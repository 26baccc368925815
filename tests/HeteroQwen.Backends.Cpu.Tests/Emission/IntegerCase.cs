using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Backends.Cpu.Tests.Emission.Interpreter;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests.Emission;

/// <summary>
/// Operands of the int8 kernels with seeded contents, every code occurring: two packed panels, the same unpacked, and rows of
/// activations.
/// </summary>
internal sealed unsafe class IntegerCase : IDisposable
{
    public const int Panels = 2;

    private const int Columns = PanelLayout.Columns;
    private readonly ElementType _type;
    private readonly long _length;
    private readonly OperandBlock _packed;
    private readonly OperandBlock _codes;
    private readonly OperandBlock _steps;
    private readonly OperandBlock _mins;
    private readonly OperandBlock _x;
    private readonly int _rows;

    public IntegerCase(ElementType type, long length, int rows, int seed)
    {
        (_type, _length, _rows) = (type, length, rows);
        Random random = new(seed);
        _packed = new OperandBlock(Panels * PanelLayout.PanelBytes(type, length));
        _codes = new OperandBlock(Panels * length * Columns);
        _steps = new OperandBlock(Panels * length / 16 * Columns * sizeof(float));
        _mins = new OperandBlock(Panels * length / 16 * Columns * sizeof(float));
        _x = new OperandBlock(rows * ActivationRows.RowBytes(ActivationForm.Int8, length));
        for (int panel = 0; panel < Panels; panel++)
        {
            FillPanel(random, _packed.Data + (panel * PanelLayout.PanelBytes(type, length)));
            Unpack(panel);
        }

        for (int row = 0; row < rows; row++)
        {
            FillRow(random, Record(row));
        }

        Expected = [.. from row in Enumerable.Range(0, rows) from n in Enumerable.Range(0, Panels * Columns) select Product(row, n)];
    }

    /// <summary>Bits of the results, row by row.</summary>
    public uint[] Expected { get; }

    private int Group => _type == ElementType.Q6_K ? 16 : 32;

    private long Steps => _length / Group * Columns;

    public ProductCall Call(bool direct, OperandBlock y, ulong mask)
    {
        ProductCall call = default;
        call.X = _x.Data;
        call.Y = (float*)y.Data;
        call.YStride = y.Bytes / _rows;
        call.Mask = mask;
        call.Codes0 = direct ? _packed.Data : _codes.Data;
        if (!direct)
        {
            call.Codes1 = _codes.Data + (_length * Columns);
            call.Steps0 = (float*)_steps.Data;
            call.Steps1 = call.Steps0 + Steps;
            call.Mins0 = (float*)_mins.Data;
            call.Mins1 = call.Mins0 + Steps;
        }

        return call;
    }

    /// <summary>What a kernel for the first rows may touch, and no byte more.</summary>
    public OperandMemory Memory(bool direct, int rows, OperandBlock y, ProductCall* call)
    {
        OperandMemory memory = new();
        memory.Add("call", call, sizeof(ProductCall));
        memory.Add("x", _x.Data, rows * ActivationRows.RowBytes(ActivationForm.Int8, _length));
        memory.Add("y", y.Data, (rows - 1) * call->YStride + (direct ? 64 : 128), true);
        if (direct)
        {
            memory.Add("panel", _packed.Data, PanelLayout.PanelBytes(_type, _length));
            return memory;
        }

        memory.Add("codes", _codes.Data, Panels * _length * Columns);
        memory.Add("steps", _steps.Data, Panels * Steps * sizeof(float));
        if (_type == ElementType.Q4_K)
        {
            memory.Add("mins", _mins.Data, Panels * Steps * sizeof(float));
        }

        return memory;
    }

    public void Dispose()
    {
        foreach (OperandBlock block in (OperandBlock[])[_packed, _codes, _steps, _mins, _x])
        {
            block.Dispose();
        }
    }

    private uint Product(int row, int n) => BitConverter.SingleToUInt32Bits(Panel(n / Columns).Product(Record(row), n % Columns));

    private PanelReference Panel(int panel) =>
        new(_type, _length, (nint)(_packed.Data + (panel * PanelLayout.PanelBytes(_type, _length))));

    private byte* Record(int row) => _x.Data + (row * ActivationRows.RowBytes(ActivationForm.Int8, _length));

    /// <summary>Random bytes, and where a float stands one of a usual size and either sign.</summary>
    private void FillPanel(Random random, byte* panel)
    {
        random.NextBytes(new Span<byte>(panel, (int)PanelLayout.PanelBytes(_type, _length)));
        (int first, int last) = _type switch
        {
            ElementType.Q4_K => (1, 2),
            ElementType.Q6_K => (2, 2),
            _ => (1, 1),
        };
        for (int part = first; part <= last; part++)
        {
            Half* d = (Half*)(panel + PanelLayout.PartOffset(_type, _length, part));
            for (int i = 0; i < PanelLayout.Parts(_type, _length)[part] / 2; i++)
            {
                d[i] = (Half)(random.NextDouble() - 0.5);
            }
        }
    }

    private void Unpack(int panel)
    {
        PanelReference from = Panel(panel);
        for (long k = 0; k < _length; k++)
        {
            for (int n = 0; n < Columns; n++)
            {
                _codes.Data[(panel * _length * Columns) + (((k / 4 * Columns) + n) * 4) + (k % 4)] = (byte)from.Code(k, n);
                ((float*)_steps.Data)[(panel * Steps) + (k / Group * Columns) + n] = from.Step(k, n);
                ((float*)_mins.Data)[(panel * Steps) + (k / Group * Columns) + n] = from.Min(k, n);
            }
        }
    }

    private void FillRow(Random random, byte* record)
    {
        float* scales = (float*)(record + ActivationRows.ScalesOffset(_length));
        float* shifts = (float*)(record + ActivationRows.ShiftsOffset(_length));
        int* sums32 = (int*)(record + ActivationRows.Sums32Offset(_length));
        int* sums16 = (int*)(record + ActivationRows.Sums16Offset(_length));
        for (int k = 0; k < _length; k++)
        {
            ((sbyte*)record)[k] = (sbyte)random.Next(-127, 128);
            sums16[k / 16] -= ((sbyte*)record)[k];
            sums32[k / 32] -= ((sbyte*)record)[k];
        }

        for (int group = 0; group < _length / 32; group++)
        {
            scales[group] = (float)random.NextDouble();
            shifts[group] = scales[group] * -sums32[group];
        }
    }
}
