using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// Rows of activations in the forms in which several products read them: a form that two products share is prepared once. Callers may
/// fill different rows on any threads.
/// </summary>
internal sealed unsafe class PreparedRows
{
    private readonly PanelProduct[] _readers;
    private readonly ActivationRows[] _forms;
    private readonly long _rowBytes;
    private int _count;
    private int _launchRows;

    public PreparedRows(long length, params PanelProduct[] readers)
    {
        Length = length;
        _readers = readers;
        _forms = new ActivationRows[readers.Length];

        // A product with float weights may change its form with the number of rows, so that there is room for both.
        bool integers = readers.Any(r => r.Form(1) == ActivationForm.Int8);
        bool floats = readers.Any(r => r.Form(1) != ActivationForm.Int8);
        _rowBytes = checked((integers ? ActivationRows.RowBytes(ActivationForm.Int8, length) : 0)
            + (floats ? ActivationRows.RowBytes(ActivationForm.F32, length) + ActivationRows.RowBytes(ActivationForm.BF16, length) : 0));
    }

    public long Length { get; }

    /// <summary>Memory for so many rows; monotone.</summary>
    /// <exception cref="OverflowException">It cannot be counted.</exception>
    public long Bytes(long rows) => checked(rows * _rowBytes);

    /// <summary>Lays the rows of a launch over memory that starts at a multiple of 64 bytes.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="data">The memory.</param>
    /// <param name="launchRows">Rows of the products, which may take a row several times.</param>
    public void Bind(int rows, byte* data, int launchRows)
    {
        _count = 0;
        _launchRows = launchRows;
        foreach (PanelProduct reader in _readers)
        {
            ActivationForm form = reader.Form(launchRows);
            if (IndexOf(form) < 0)
            {
                _forms[_count++] = new ActivationRows(form, Length, rows, data);
                data += rows * ActivationRows.RowBytes(form, Length);
            }
        }
    }

    /// <summary>Prepares a row from its elements, which lie side by side.</summary>
    public void Fill(long row, float* from)
    {
        for (int i = 0; i < _count; i++)
        {
            ActivationFilling.Fill(_forms[i], row, from);
        }
    }

    /// <summary>Copies a row in all forms from rows that were prepared for the same readers and others.</summary>
    public void Copy(long row, PreparedRows from, long fromRow)
    {
        for (int i = 0; i < _count; i++)
        {
            long bytes = ActivationRows.RowBytes(_forms[i].Form, Length);
            Buffer.MemoryCopy(from._forms[from.IndexOf(_forms[i].Form)].Row(fromRow), _forms[i].Row(row), bytes, bytes);
        }
    }

    /// <summary>The rows as a reader takes them.</summary>
    public ActivationRows For(PanelProduct reader) => _forms[IndexOf(reader.Form(_launchRows))];

    private int IndexOf(ActivationForm form)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_forms[i].Form == form)
            {
                return i;
            }
        }

        return -1;
    }
}
