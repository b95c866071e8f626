// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Funding} from "./Funding.sol";
import {IOwnership} from "./IOwnership.sol";
import {IPayments} from "./IPayments.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Ownership
/// @notice Implements IOwnership, which documents every function.
contract Ownership is IOwnership, ERC1155, ReentrancyGuardTransient {
    uint256 public constant TOTAL = 1_000_000;

    /// @dev What one share has earned since the model was created, the remainder of the last division, and
    /// the escrow.
    struct Earnings {
        uint128 perShare;
        uint64 remainder;
        bool opened;
        uint256 escrow;
    }

    /// @dev `owed` is what an account's shares had earned when `perShare` was `seen`, less what was
    /// collected.
    struct Holding {
        uint128 seen;
        uint128 owed;
    }

    IPayments public immutable payments;

    mapping(uint256 model => Model) private _models;
    mapping(uint256 model => Earnings) private _earnings;
    mapping(uint256 model => mapping(address holder => Holding)) private _holdings;

    constructor(IPayments payments_) ERC1155("") {
        payments = payments_;
    }

    /// @inheritdoc IOwnership
    function create(
        bytes32 key,
        bytes32 root,
        address token,
        address[] calldata holders,
        uint256[] calldata shares
    ) external returns (uint256 model) {
        model = idOf(msg.sender, key);
        require(_models[model].source == address(0), Exists(model));
        require(holders.length == shares.length, BadShares());
        _models[model] = Model(msg.sender, token, key, root);
        emit Created(model, msg.sender, root, key, token);
        uint256 left = TOTAL;
        for (uint256 i; i < holders.length; ++i) {
            require(shares[i] != 0 && shares[i] <= left, BadShares());
            left -= shares[i];
            // Not _mint: it calls a receiving contract, which could revert and block the other holders.
            _move(address(0), holders[i], model, shares[i]);
        }
        require(left == 0, BadShares());
    }

    /// @inheritdoc IOwnership
    function transfer(address to, uint256 model, uint256 shares) external {
        _move(msg.sender, to, model, shares);
    }

    /// @inheritdoc IOwnership
    function earn(uint256 model, uint256 amount) external payable nonReentrant {
        Model storage m = _models[model];
        require(m.source != address(0), NoModel(model));
        Earnings storage e = _earnings[model];
        if (!e.opened) (e.opened, e.escrow) = (true, payments.open(m.token));
        // The money comes first. A token that calls back can then only collect at the old rate.
        Funding.take(payments, e.escrow, m.token, amount);
        uint256 whole = amount + e.remainder;
        uint256 perShare = e.perShare + whole / TOTAL;
        // No holder's part can then exceed 128 bits.
        require(perShare <= type(uint128).max / TOTAL, TooMuch());
        // forge-lint: disable-next-line(unsafe-typecast)
        (e.perShare, e.remainder) = (uint128(perShare), uint64(whole % TOTAL));
        emit Earned(model, msg.sender, amount);
    }

    /// @inheritdoc IOwnership
    function collect(uint256 model, address holder) external returns (uint256 amount) {
        amount = earnedBy(model, holder);
        require(amount != 0, NothingToCollect());
        _holdings[model][holder] = Holding(_earnings[model].perShare, 0);
        payments.pay(_earnings[model].escrow, holder, amount);
        emit Collected(model, holder, amount);
    }

    /// @inheritdoc IOwnership
    function earnedBy(uint256 model, address holder) public view returns (uint256) {
        Holding storage h = _holdings[model][holder];
        return h.owed + balanceOf(holder, model) * (_earnings[model].perShare - h.seen);
    }

    /// @inheritdoc IOwnership
    function modelOf(uint256 model) external view returns (Model memory) {
        return _models[model];
    }

    /// @inheritdoc IOwnership
    function idOf(address source, bytes32 key) public pure returns (uint256) {
        return uint256(keccak256(abi.encode(source, key)));
    }

    /// @notice ERC-1155 metadata: a data URI with the checkpoint root, by which the files of the model are
    /// found.
    function uri(uint256 model) public view override returns (string memory) {
        return string.concat(
            'data:application/json,{"name":"Starling model","decimals":0,"properties":{"checkpoint":"',
            Strings.toHexString(uint256(_models[model].root), 32),
            '"}}'
        );
    }

    function _move(address from, address to, uint256 model, uint256 shares) private {
        require(to != address(0), ERC1155InvalidReceiver(to));
        uint256[] memory ids = new uint256[](1);
        uint256[] memory values = new uint256[](1);
        (ids[0], values[0]) = (model, shares);
        _update(from, to, ids, values);
    }

    /// @dev Every change of balances comes through here. The uncollected earnings of the shares move with
    /// them.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values)
        internal
        override
    {
        if (from != address(0) && from != to && ids.length == values.length) {
            for (uint256 i; i < ids.length; ++i) {
                uint256 moved;
                // A batch may name a model twice, and the balances change only after this loop.
                for (uint256 j; j < i; ++j) {
                    if (ids[j] == ids[i]) moved += values[j];
                }
                _carry(from, to, ids[i], values[i], moved);
            }
        }
        super._update(from, to, ids, values);
    }

    /// @dev Moves what `from` is owed for `shares` of its shares to `to`. `moved` shares were moved before in
    /// this batch.
    function _carry(address from, address to, uint256 model, uint256 shares, uint256 moved) private {
        uint128 perShare = _earnings[model].perShare;
        uint256 balance = balanceOf(from, model);
        // If `from` has too few shares, the update after this reverts.
        if (perShare == 0 || shares == 0 || balance < moved + shares) return;
        uint256 owed = _settle(model, from, perShare, balance);
        uint256 owedTo = _settle(model, to, perShare, balanceOf(to, model));
        uint256 part = owed * shares / (balance - moved);
        // Both are at most perShare * TOTAL, which fits 128 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        _holdings[model][from].owed = uint128(owed - part);
        // forge-lint: disable-next-line(unsafe-typecast)
        _holdings[model][to].owed = uint128(owedTo + part);
    }

    function _settle(uint256 model, address holder, uint128 perShare, uint256 balance)
        private
        returns (uint256 owed)
    {
        Holding storage h = _holdings[model][holder];
        owed = h.owed + balance * (perShare - h.seen);
        h.seen = perShare;
    }
}
